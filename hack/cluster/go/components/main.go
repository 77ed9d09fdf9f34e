// Command components holds every part of a Kubernetes control plane and node in one binary.
//
// The parts share nearly all of their packages, so that building them together takes
// about a seventh of the time and space of building them one by one. Which part runs is
// decided by the name that the binary is called by: hack/cluster links each name to it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// programs parse their arguments themselves and do not return an exit code.
var programs = map[string]func(){
	"etcd":    func() { etcdmain.Main(os.Args) },
	"coredns": runCoreDNS,
}

// commands are cobra commands; those without need of a context ignore theirs.
var commands = map[string]func(context.Context) *cobra.Command{
	"kube-apiserver":          func(context.Context) *cobra.Command { return apiserver.NewAPIServerCommand() },
	"kube-controller-manager": func(context.Context) *cobra.Command { return controllers.NewControllerManagerCommand() },
	"kube-scheduler":          func(context.Context) *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kube-proxy":              func(context.Context) *cobra.Command { return proxy.NewProxyCommand() },
	"kubelet":                 kubelet.NewKubeletCommand,
}

// runCoreDNS serves with only the plugins that the cluster's Corefile names.
func runCoreDNS() {
	dnsserver.Directives = []string{"bind", "errors", "kubernetes", "forward"}
	coremain.Run()
}

func main() {
	part := filepath.Base(os.Args[0])
	if run, ok := programs[part]; ok {
		run()
		return
	}
	build, ok := commands[part]
	if !ok {
		fmt.Fprintf(os.Stderr, "%q is no part of a cluster; call this binary by the name of one\n", part)
		os.Exit(2)
	}
	ctx := context.Background()
	if part == "kubelet" { // the others install their own signal handling
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
		defer stop()
	}
	os.Exit(cli.Run(build(ctx)))
}
