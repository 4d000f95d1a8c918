package apart

import (
	"encoding/json"
	"errors"
	"testing"

	"wiped/engine/drive"
)

// FuzzAnswer reads what a process may have said. Nothing but an answer to this order, in one piece, is one; and what an answer
// says is the same when it is said again.
func FuzzAnswer(f *testing.F) {
	o := drive.Order{Action: drive.SecurityErase, Token: "job 7"}
	for _, err := range []error{nil, errors.New("the answer was lost"), &drive.RefusedError{Why: "frozen", Next: "suspend", Text: "status 51h"}} {
		text, _ := json.Marshal(answered(request{Action: o.Action, Token: o.Token}, err))
		f.Add(text)
		f.Add(text[:len(text)/2])
		f.Add(append(text, text...))
	}
	f.Add([]byte(`{"token":"job 7","action":"security-erase","done":true,"failed":"x"}`))
	f.Add([]byte(`{"token":"job 7","action":"security-erase","done":true,"refused":{"Why":"\u001b"}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := parseAnswer(text, o)
		if err != nil {
			if a != (answer{}) {
				t.Errorf("an error and %+v", a)
			}
			return
		}
		if a.Token != o.Token || a.Action != o.Action || a.Done == (a.err() != nil) {
			t.Errorf("%q is taken for %+v", text, a)
		}
		again, err := json.Marshal(answered(request{Action: o.Action, Token: o.Token}, a.err()))
		if err != nil {
			t.Fatal(err)
		}
		b, err := parseAnswer(again, o)
		if err != nil || b.Done != a.Done || (b.Refused == nil) != (a.Refused == nil) || b.Refused != nil && *b.Refused != *a.Refused || b.Failed != a.Failed {
			t.Errorf("%q, said again, is %q: %+v, %v", text, again, b, err)
		}
	})
}

// FuzzRequest reads what a process may have been told, and what it takes is the same when it is told again.
func FuzzRequest(f *testing.F) {
	yes := true
	text, _ := json.Marshal(request{drive.FormatCrypto, "job 7", drive.Node{Sys: "/sys/block/sdb", Info: drive.Info{Name: "sdb", Serial: `\x00<`, Rotational: &yes,
		ID: drive.ID{Keys: []string{"a"}}, Facts: []drive.Fact{{Name: "a"}}}}, 1})
	f.Add(text)
	f.Add(text[:len(text)-1])
	f.Add([]byte(`{"Action":"x","Token":"y","Node":{"Info":{"Name":"z"}},"Held":-1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRequest(text)
		if err != nil {
			return
		}
		if r.Action == "" || r.Token == "" || r.Node.Info.Name == "" || r.Held < 0 {
			t.Errorf("%q is taken for %+v", text, r)
		}
		one, err1 := json.Marshal(r)
		again, err2 := parseRequest(one)
		two, err3 := json.Marshal(again)
		if err1 != nil || err2 != nil || err3 != nil || string(one) != string(two) {
			t.Errorf("%q becomes %q, then %q: %v, %v, %v", text, one, two, err1, err2, err3)
		}
	})
}
