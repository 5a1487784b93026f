package ring

import "fmt"

// A node that founds a ring owns every key.
func ExampleMachine() {
	m, err := New(DefaultConfig(Position{Key: Hash("localhost8001"), ID: "a peer ID"}, 30))
	if err != nil {
		fmt.Println(err)
		return
	}
	out := m.Step(Found{})
	fmt.Println(out.View.Alone(), out.View.Owns(Hash("hello.txt")))
	// Output: true true
}
