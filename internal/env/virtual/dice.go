package virtual

import (
	"math/rand/v2"
	"time"
)

// Dice are a source of chance. Each part of a simulation has its own, so that what one does
// doesn't change the throws of another.
type Dice struct{ *rand.Rand }

// NewDice returns dice whose throws a seed and the number of a stream decide.
func NewDice(seed, stream uint64) Dice {
	return Dice{rand.New(rand.NewPCG(seed, stream))} //nolint:gosec // a simulation is to be repeated
}

// Chance is true with probability p.
func (d Dice) Chance(p float64) bool { return p > 0 && d.Float64() < p }

// Between returns a time from least to most, in microseconds.
func (d Dice) Between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(d.Int64N((most-least).Microseconds()+1))*time.Microsecond
}
