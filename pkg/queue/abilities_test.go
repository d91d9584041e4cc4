package queue

import "testing"

// TestAbilities holds what is asked of brokers of which none is here.
func TestAbilities(t *testing.T) {
	for text, want := range map[string]abilities{
		"3.10.8": {}, "3.11.28": {}, "3.12.0": {consumerTimeout: true}, "3.13.7": {consumerTimeout: true},
		"4.0.5": {true, true}, "4.1.0-rc.1": {true, true}, "10.2": {true, true},
	} {
		got, err := abilitiesOf(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	if _, err := abilitiesOf("unknown"); err == nil {
		t.Error("no version is one")
	}
	dead := topology("shop", nil, abilities{limitless: true}).Policies[1]
	if dead.Name != "dead" || dead.Definition["delivery-limit"] != -1 {
		t.Errorf("dead letters are given up: %+v", dead)
	}
}
