// Says what GitOps tools make of PublishBuilds and of the examples, with the libraries that these tools are made of.
//
//	conformance health SCRIPT  objects as a JSON list on stdin; what kstatus and Argo CD's SCRIPT say of each on stdout
//	conformance flux FILE...   fails on what Flux's own types do not know
//	conformance actions FILE...  fails on what actionlint finds in workflows
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "conformance: needs a verb (health, flux, actions) and a file")
		os.Exit(2)
	}
	verb, files := os.Args[1], os.Args[2:]
	if err := run(verb, files, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "conformance %s: %v\n", verb, err)
		os.Exit(1)
	}
}

func run(verb string, files []string, in io.Reader, out io.Writer) error {
	switch verb {
	case "health":
		return health(files[0], in, out)
	case "flux":
		return each(files, checkFlux)
	case "actions":
		return checkActions(files, out)
	}
	return fmt.Errorf("no such verb; allowed are health, flux, actions")
}

func each(files []string, check func(string, []byte) error) error {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := check(file, text); err != nil {
			return err
		}
	}
	return nil
}
