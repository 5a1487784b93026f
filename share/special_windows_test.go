package share

import "testing"

func makePipe(*testing.T, string)   {}
func makeSocket(*testing.T, string) {}
