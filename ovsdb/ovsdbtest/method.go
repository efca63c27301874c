package ovsdbtest

import (
	"encoding/json"
	"slices"

	"conjunct/ovsdb"
)

// A method handles one kind of call with the server's lock held.
type method func(s *Server, from *session, params []json.RawMessage) (any, error)

var methods = map[string]method{
	"echo":               echo,
	"list_dbs":           listDatabases,
	"get_schema":         getSchema,
	"transact":           transact,
	"monitor":            monitorWith(noteUpdate),
	"monitor_cond":       monitorWith(noteUpdate2),
	"monitor_cond_since": monitorWith(noteUpdate3),
}

// unknownMethod is what the real server answers: a string, not an object.
type unknownMethod struct{}

func (unknownMethod) Error() string                { return ovsdb.KindUnknownMethod }
func (unknownMethod) MarshalJSON() ([]byte, error) { return json.Marshal(ovsdb.KindUnknownMethod) }

// serve runs a call and queues the reply.
func (s *Server) serve(from *session, c call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run, ok := methods[c.Method]
	if !ok || slices.Contains(s.hidden, c.Method) {
		from.reply(c, nil, unknownMethod{})
		return
	}
	result, err := run(s, from, c.Params)
	from.reply(c, result, err)
}

func echo(_ *Server, _ *session, params []json.RawMessage) (any, error) {
	if params == nil {
		return []any{}, nil
	}
	return params, nil
}

func listDatabases(*Server, *session, []json.RawMessage) (any, error) {
	return []string{ovsdb.Database}, nil
}

func getSchema(_ *Server, _ *session, params []json.RawMessage) (any, error) {
	if err := wantDatabase(params); err != nil {
		return nil, err
	}
	return schemaText, nil
}

func wantDatabase(params []json.RawMessage) error {
	var name string
	if len(params) == 0 || json.Unmarshal(params[0], &name) != nil {
		return refuse(ovsdb.KindSyntax, "database name must come first")
	}
	if name != ovsdb.Database {
		return refuse(ovsdb.KindUnknownDB, "request specifies unknown database %s", name)
	}
	return nil
}

func transact(s *Server, _ *session, params []json.RawMessage) (any, error) {
	if err := wantDatabase(params); err != nil {
		return nil, err
	}
	if s.failNext != "" {
		kind := s.failNext
		s.failNext = ""
		return nil, refuse(kind, "injected")
	}
	s.transactions++
	return s.commit(params[1:]), nil
}

// commit runs a transaction and tells every monitor what has changed.
func (s *Server) commit(ops []json.RawMessage) []any {
	tx := newTxn(s.db)
	results, ok := tx.run(ops)
	if !ok || len(tx.copied) == 0 {
		return results
	}
	s.db = tx.after
	for from := range s.sessions {
		for _, m := range from.monitors {
			if u := m.compare(tx.before, tx.after, tx.copied); u != nil {
				from.send(m.notification(u))
			}
		}
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return results
}

func monitorWith(note string) method {
	return func(s *Server, from *session, params []json.RawMessage) (any, error) {
		if err := wantDatabase(params); err != nil {
			return nil, err
		}
		if len(params) < 3 {
			return nil, refuse(ovsdb.KindSyntax, "want a database, an id and requests")
		}
		m, err := newMonitor(params[1], params[2], note)
		if err != nil {
			return nil, err
		}
		from.monitors = append(from.monitors, m)
		first := m.compare(nil, s.db, nil)
		if note == noteUpdate3 {
			return []any{false, ovsdb.UUID{}.String(), first}, nil
		}
		return first, nil
	}
}
