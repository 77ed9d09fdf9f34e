package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// Verdict is what is said of one object, by its name.
type Verdict struct {
	Name    string       `json:"name"`
	Kstatus string       `json:"kstatus"`
	ArgoCD  ArgoCDHealth `json:"argocd"`
}

func health(scriptFile string, in io.Reader, out io.Writer) error {
	script, err := os.ReadFile(scriptFile)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return fmt.Errorf("stdin is not a JSON list: %w", err)
	}
	verdicts := []Verdict{}
	for _, one := range raw {
		// Not by encoding/json: numbers are to be int64, as they are in the controllers.
		obj := &unstructured.Unstructured{}
		if err := obj.UnmarshalJSON(one); err != nil {
			return err
		}
		verdict, err := judge(obj, string(script))
		if err != nil {
			return fmt.Errorf("%s: %w", obj.GetName(), err)
		}
		verdicts = append(verdicts, verdict)
	}
	return json.NewEncoder(out).Encode(verdicts)
}

func judge(obj *unstructured.Unstructured, script string) (Verdict, error) {
	computed, err := status.Compute(obj)
	if err != nil {
		return Verdict{}, err
	}
	argocd, err := argoCDHealth(obj, script)
	return Verdict{Name: obj.GetName(), Kstatus: string(computed.Status), ArgoCD: argocd}, err
}
