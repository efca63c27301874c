package policy

import "strings"

// Rights is what may be done with an object: a set of verbs.
type Rights uint8

// The verbs.
const (
	MaySee Rights = 1 << iota
	MayCreate
	MayChange
	MayDelete
	// MayAttach is, of a group, to give it to instances and ports; of an instance or a port, to change which groups it has.
	MayAttach
)

const (
	none    Rights = 0
	sees           = MaySee
	uses           = MaySee | MayAttach
	writes         = MaySee | MayCreate | MayChange | MayDelete
	governs        = writes | MayAttach
)

// verbs are the words for rights, in the order in which they are listed.
var verbs = []struct {
	right Rights
	word  string
}{{MaySee, "see"}, {MayCreate, "create"}, {MayChange, "change"}, {MayDelete, "delete"}, {MayAttach, "attach"}}

// Has reports whether all of the verbs are among the rights.
func (r Rights) Has(verbs Rights) bool { return r&verbs == verbs }

func (r Rights) String() string {
	var words []string
	for _, v := range verbs {
		if r.Has(v.right) {
			words = append(words, v.word)
		}
	}
	return strings.Join(words, ", ")
}

// Verbs lists every verb.
func Verbs() []Rights {
	out := make([]Rights, 0, len(verbs))
	for _, v := range verbs {
		out = append(out, v.right)
	}
	return out
}

// Scope says whose an object is, as seen by somebody.
type Scope string

// The scopes. To roles that are bound to no project, every project is another one.
const (
	ScopeOwn    Scope = "own"    // of the project that somebody is bound to
	ScopeGlobal Scope = "global" // of no project: shared by all, or the installation's
	ScopeOther  Scope = "other"  // of another project
)

// AccessRow says what each role may do with the objects of a kind in a scope.
type AccessRow struct {
	Kind                             Kind
	Scope                            Scope
	Admin, Provisioner, User, Viewer Rights
}

// Of is the role's column; a role that does not exist may nothing.
func (r AccessRow) Of(role Role) Rights {
	switch role {
	case RoleAdmin:
		return r.Admin
	case RoleProvisioner:
		return r.Provisioner
	case RoleUser:
		return r.User
	case RoleViewer:
		return r.Viewer
	}
	return none
}

// AccessTable says who may do what. What belongs to an object (rules, attachments, entries, ports, subnets) has the scope of
// what it belongs to. What a table does not have nobody may.
var AccessTable = []AccessRow{
	{KindProject, ScopeOwn, writes, sees, sees, sees},
	{KindProject, ScopeOther, writes, sees, none, sees},

	{KindVPC, ScopeOwn, writes, writes, sees, sees},
	{KindVPC, ScopeGlobal, writes, writes, sees, sees},
	{KindVPC, ScopeOther, writes, writes, none, sees},

	{KindSubnet, ScopeOwn, writes, writes, sees, sees},
	{KindSubnet, ScopeGlobal, writes, writes, sees, sees},
	{KindSubnet, ScopeOther, writes, writes, none, sees},

	{KindHypervisor, ScopeGlobal, writes, sees, none, sees},

	{KindInstance, ScopeOwn, governs, governs, uses, sees},
	{KindInstance, ScopeGlobal, governs, governs, none, sees},
	{KindInstance, ScopeOther, governs, governs, none, sees},

	{KindPort, ScopeOwn, governs, governs, uses, sees},
	{KindPort, ScopeGlobal, governs, governs, none, sees},
	{KindPort, ScopeOther, governs, governs, none, sees},

	{KindGroup, ScopeOwn, governs, uses, governs, sees},
	{KindGroup, ScopeGlobal, governs, uses, uses, sees},
	{KindGroup, ScopeOther, governs, uses, none, sees},

	{KindRule, ScopeOwn, writes, sees, writes, sees},
	{KindRule, ScopeGlobal, writes, sees, sees, sees},
	{KindRule, ScopeOther, writes, sees, none, sees},

	{KindAttachment, ScopeOwn, writes, sees, writes, sees},
	{KindAttachment, ScopeGlobal, writes, sees, sees, sees},
	{KindAttachment, ScopeOther, writes, sees, none, sees},

	{KindIPSet, ScopeOwn, writes, sees, writes, sees},
	{KindIPSet, ScopeGlobal, writes, sees, sees, sees},
	{KindIPSet, ScopeOther, writes, sees, none, sees},

	{KindEntry, ScopeOwn, writes, sees, writes, sees},
	{KindEntry, ScopeGlobal, writes, sees, sees, sees},
	{KindEntry, ScopeOther, writes, sees, none, sees},

	{KindProfile, ScopeGlobal, writes, sees, sees, sees},

	{KindToken, ScopeGlobal, MaySee | MayCreate | MayDelete, none, none, none},
}

// Question is something that is asked beside the objects. Its answer speaks only of objects that the asker may see.
type Question string

// The questions.
const (
	AskStatus   Question = "status"
	AskWatch    Question = "watch"
	AskExplain  Question = "explain"
	AskLimits   Question = "limits"
	AskPlatform Question = "platform-rules"
	AskApply    Question = "apply"
	AskAudit    Question = "audit"
	AskEveryone Question = "" // needs no token
)

// QuestionRow says which roles may ask a question.
type QuestionRow struct {
	Question                         Question
	Admin, Provisioner, User, Viewer bool
	Answer                           string // what is in it for whom, for the documents
}

// Of is the role's column.
func (r QuestionRow) Of(role Role) bool {
	return map[Role]bool{RoleAdmin: r.Admin, RoleProvisioner: r.Provisioner, RoleUser: r.User, RoleViewer: r.Viewer}[role]
}

// QuestionTable says who may ask what.
var QuestionTable = []QuestionRow{
	{AskStatus, true, true, true, true, "a user sees the revision and the store's health, and no host"},
	{AskWatch, true, true, true, true, "changes of objects that the asker may see"},
	{AskExplain, true, true, true, true, "verdicts at ports that the asker may see"},
	{AskLimits, true, true, true, true, "a user's are the own project's"},
	{AskPlatform, true, true, true, true, "what the rules have decided, which is over all projects' ports, a user does not see"},
	{AskApply, true, true, true, false, "each document as the table above says; all or nothing"},
	{AskAudit, true, true, true, true, "a user sees what was changed of the own project's objects; tokens are shown to administrators alone"},
}

// MayAsk reports whether the role may ask the question.
func (r Role) MayAsk(q Question) bool {
	for _, row := range QuestionTable {
		if row.Question == q {
			return row.Of(r)
		}
	}
	return false
}

// rightsTo is what the role may do with objects of the kind in the scope.
func (r Role) rightsTo(k Kind, scope Scope) Rights {
	for _, row := range AccessTable {
		if row.Kind == k && row.Scope == scope {
			return row.Of(r)
		}
	}
	return none
}

// Ever is what the role may do with objects of the kind in some scope. Roles that are bound to no project have none of their own.
func (r Role) Ever(k Kind) Rights {
	var out Rights
	for _, row := range AccessTable {
		if row.Kind == k {
			out |= row.Of(r)
		}
	}
	return out
}
