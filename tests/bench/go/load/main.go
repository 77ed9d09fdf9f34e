// Load creates objects at an API server as fast as it takes them, and tells when a watch saw what of them.
//
// It sends bodies that were made before, over connections that stay open, and reads as little of the answers as it can:
// nothing that has to do more can be faster, so its figures are the ceiling that the operator is measured against.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

var (
	server = flag.String("server", "", "URL of the API server")
	ca     = flag.String("ca", "", "file of its certificate authority")
	cert   = flag.String("cert", "", "file of the client's certificate")
	key    = flag.String("key", "", "file of the client's key")
	token  = os.Getenv("LOAD_TOKEN")
	path   = flag.String("path", "", "watch: where the objects are")
	many   = flag.Int("connections", 32, "how many requests at once")
	count  = flag.Int("count", 0, "watch: how many objects to wait for")
	until  = flag.String("until", "", "watch: the condition types, any of which counts once it is True or False; none: being there")
)

func main() {
	flag.Parse()
	var err error
	switch flag.Arg(0) {
	case "send":
		err = send()
	case "watch":
		err = watch()
	default:
		err = fmt.Errorf("want send or watch, not %q", flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func client() (*http.Client, error) {
	authority, err := os.ReadFile(*ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	settings := &tls.Config{RootCAs: roots}
	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		if err != nil {
			return nil, err
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: settings, MaxIdleConnsPerHost: *many, MaxConnsPerHost: *many, DisableCompression: true,
	}}, nil
}

func request(verb, url string, body []byte) (*http.Request, error) {
	made, err := http.NewRequest(verb, *server+url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	made.Header.Set("Content-Type", "application/json")
	if token != "" {
		made.Header.Set("Authorization", "Bearer "+token)
	}
	return made, nil
}

// send makes a request of each line of the standard input (verb, path and body, with tabs between them), many at once and
// in no order.
func send() error {
	http, err := client()
	if err != nil {
		return err
	}
	lines := make(chan []byte)
	failed := make(chan error, *many)
	var workers sync.WaitGroup
	for range *many {
		workers.Go(func() {
			for line := range lines {
				if err := one(http, line); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<21)
	var bodies [][]byte
	for input.Scan() {
		bodies = append(bodies, bytes.Clone(input.Bytes()))
	}
	began := time.Now()
	for _, body := range bodies {
		select {
		case lines <- body:
		case err := <-failed:
			return err
		}
	}
	close(lines)
	workers.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"count": len(bodies), "seconds": time.Since(began).Seconds()})
}

func one(http *http.Client, line []byte) error {
	parts := bytes.SplitN(line, []byte("\t"), 3)
	asked, err := request(string(parts[0]), string(parts[1]), parts[2])
	if err != nil {
		return err
	}
	if asked.Method == "PATCH" {
		asked.Header.Set("Content-Type", "application/merge-patch+json")
	}
	answer, err := http.Do(asked)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s", answer.Status, said)
	}
	return err
}

type event struct {
	Type   string
	Object struct {
		Metadata struct{ Name, ResourceVersion string }
		Status   struct {
			Conditions []struct{ Type, Status string }
		}
	}
}

func (e event) counts(wanted map[string]bool) bool {
	if len(wanted) == 0 {
		return true
	}
	for _, condition := range e.Object.Status.Conditions {
		if wanted[condition.Type] && condition.Status != "Unknown" {
			return true
		}
	}
	return false
}

// watch prints the Unix time at which each object was first seen to count, once `count` of them were.
func watch() error {
	http, err := client()
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	if *until != "" {
		for _, kind := range strings.Split(*until, ",") {
			wanted[kind] = true
		}
	}
	seen := map[string]float64{}
	version := ""
	for len(seen) < *count {
		// An API server ends a watch when it likes; nothing is missed from the version on that was seen last.
		if version, err = follow(http, version, wanted, seen); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(seen)
}

// follow is one connection of a watch, to its end: it returns the last version seen.
func follow(http *http.Client, version string, wanted map[string]bool, seen map[string]float64) (string, error) {
	asked, err := request("GET", *path+"?watch=1&resourceVersion="+version, nil)
	if err != nil {
		return version, err
	}
	answer, err := http.Do(asked)
	if err != nil {
		return version, err
	}
	defer answer.Body.Close()
	if version == "" {
		// Whoever starts what is watched waits for this line.
		fmt.Fprintln(os.Stderr, "watching")
	}
	decoder := json.NewDecoder(answer.Body)
	for len(seen) < *count {
		var one event
		if err := decoder.Decode(&one); err == io.EOF || err == io.ErrUnexpectedEOF {
			return version, nil
		} else if err != nil {
			return version, err
		}
		version = one.Object.Metadata.ResourceVersion
		name := one.Object.Metadata.Name
		if _, known := seen[name]; !known && one.counts(wanted) {
			seen[name] = float64(time.Now().UnixNano()) / 1e9
		}
	}
	return version, nil
}
