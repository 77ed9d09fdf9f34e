package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ArgoCDHealth is what a health script returns.
type ArgoCDHealth struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

var healthCodes = []string{"Unknown", "Progressing", "Healthy", "Suspended", "Degraded", "Missing"}

// argoCDHealth runs a health script under Argo CD's terms: the object is the global `obj`, the time is one second, the
// libraries are base, package and table alone (no string, no math, no io), and the status is one that Argo CD knows.
func argoCDHealth(obj *unstructured.Unstructured, script string) (ArgoCDHealth, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage,
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
	} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", luaValue(state, obj.Object))
	if err := state.DoString(script); err != nil {
		return ArgoCDHealth{}, err
	}
	return asHealth(state.Get(-1))
}

func asHealth(returned lua.LValue) (ArgoCDHealth, error) {
	table, ok := returned.(*lua.LTable)
	if !ok {
		return ArgoCDHealth{}, fmt.Errorf("the script returned a %s, not a table", returned.Type())
	}
	found := ArgoCDHealth{Status: table.RawGetString("status").String(), Message: table.RawGetString("message").String()}
	if !slices.Contains(healthCodes, found.Status) {
		return ArgoCDHealth{}, fmt.Errorf("the script returned the status %q; allowed are %v", found.Status, healthCodes)
	}
	return found, nil
}

func luaValue(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case string:
		return lua.LString(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case []any:
		table := state.CreateTable(len(value), 0)
		for _, item := range value {
			table.Append(luaValue(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for key, item := range value {
			table.RawSetString(key, luaValue(state, item))
		}
		return table
	}
	return lua.LNil
}
