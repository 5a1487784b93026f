package ring

// Machine is one node of the ring. It is not safe for concurrent use: one goroutine
// owns it and steps it.
type Machine struct {
	cfg  Config
	view *View
}

// New returns the machine of a node that is in no ring yet. The error wraps ErrConfig.
func New(cfg Config) (*Machine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Machine{cfg: cfg, view: &View{self: cfg.Self, r: cfg.Successors, hadPeers: cfg.HadPeers}}, nil
}

// View returns the present view.
func (m *Machine) View() *View { return m.view }

// Step tells the machine one thing and returns what it wants done.
func (m *Machine) Step(in Input) Output {
	if q, ok := in.(Queried); ok {
		return Output{Commands: []Command{Answer{Token: q.Token, State: m.view.State()}}}
	}
	return Output{}
}
