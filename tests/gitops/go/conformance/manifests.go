package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	helm "github.com/fluxcd/helm-controller/api/v2"
	kustomize "github.com/fluxcd/kustomize-controller/api/v1"
	source "github.com/fluxcd/source-controller/api/v1"
	"github.com/rhysd/actionlint"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

// fluxTypes makes an empty object of each kind that the examples may use.
var fluxTypes = map[string]func() any{
	source.GroupVersion.String() + " GitRepository":    func() any { return &source.GitRepository{} },
	helm.GroupVersion.String() + " HelmRelease":        func() any { return &helm.HelmRelease{} },
	kustomize.GroupVersion.String() + " Kustomization": func() any { return &kustomize.Kustomization{} },
}

func checkFlux(file string, text []byte) error {
	documents := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	defer documents.Close()
	buffer := make([]byte, len(text)+1)
	for {
		length, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := checkFluxDocument(buffer[:length]); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
}

func checkFluxDocument(document []byte) error {
	var kind metav1.TypeMeta
	if err := strict.Unmarshal(document, &kind); err != nil {
		return err
	}
	made, known := fluxTypes[kind.APIVersion+" "+kind.Kind]
	if !known {
		return fmt.Errorf("%s %s is no type of Flux that is checked here", kind.APIVersion, kind.Kind)
	}
	return strict.UnmarshalStrict(document, made())
}

// checkActions writes what actionlint finds to out, as its own command does. External linters are left out.
func checkActions(files []string, out io.Writer) error {
	linter, err := actionlint.NewLinter(out, &actionlint.LinterOptions{})
	if err != nil {
		return err
	}
	found, err := linter.LintFiles(files, nil)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("actionlint found %d mistakes", len(found))
	}
	return nil
}
