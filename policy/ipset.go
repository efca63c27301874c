package policy

// IPSet is a named list of prefixes of one IP version that rules may name as their remote.
type IPSet struct {
	Meta
	Name string `json:"name"`
	// ProjectID is empty for a global set.
	ProjectID   ProjectID `json:"project_id"`
	Description string    `json:"description,omitempty"`
	IPVersion   int       `json:"ip_version"` // 4 or 6, frozen while the set has entries
	// Removals counts the entries that were taken out of the set, so that the set itself changes when one goes.
	Removals int64  `json:"removals,omitempty"`
	Number   Number `json:"number"`
}

func (s *IPSet) Kind() Kind         { return KindIPSet }
func (s *IPSet) Label() string      { return labelOr(s.Name, s.ID) }
func (s *IPSet) GetNumber() Number  { return s.Number }
func (s *IPSet) SetNumber(n Number) { s.Number = n }
func (s *IPSet) References() []Ref  { return refer(nil, KindProject, s.ProjectID, "/project_id") }
func (s *IPSet) Clone() Object      { c := *s; return &c }

// Entry is one prefix of an IP set, masked. A set holds a prefix once.
type Entry struct {
	Meta
	IPSetID     IPSetID `json:"ip_set_id"`
	CIDR        CIDR    `json:"cidr"`
	Description string  `json:"description,omitempty"`
}

func (e *Entry) Kind() Kind        { return KindEntry }
func (e *Entry) Label() string     { return e.CIDR.String() }
func (e *Entry) References() []Ref { return refer(nil, KindIPSet, e.IPSetID, "/ip_set_id") }
func (e *Entry) Clone() Object     { c := *e; return &c }
