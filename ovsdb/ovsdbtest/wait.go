package ovsdbtest

import (
	"slices"
	"strings"

	"conjunct/ovsdb"
)

// wait is "wait" with a timeout of 0 (RFC 7047 section 5.2.6), the only one that
// package ovsdb sends: the rows found, seen through the columns, are compared with
// the rows given, as sets.
func (tx *txn) wait(o operation) (any, error) {
	if o.Timeout == nil || *o.Timeout != 0 {
		return nil, refuse(ovsdb.KindNotSupported, "wait with a timeout other than 0")
	}
	if o.Until != "==" && o.Until != "!=" {
		return nil, refuse(ovsdb.KindSyntax, "until %q", o.Until)
	}
	var found, wanted []string
	_, err := tx.each(o, func(id ovsdb.UUID, r row) error {
		seen := make([]string, len(o.Columns))
		for i, column := range o.Columns {
			d, _, err := r.read(o.Table, column, id)
			if err != nil {
				return err
			}
			seen[i] = d.text()
		}
		found = append(found, strings.Join(seen, "\n"))
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, given := range o.Rows {
		text, err := tx.projected(o, given)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, text)
	}
	if slices.Equal(distinct(found), distinct(wanted)) != (o.Until == "==") {
		return nil, refuse(ovsdb.KindTimedOut, "\"where\" clause test failed")
	}
	return struct{}{}, nil
}

// projected is a row of the request seen through the columns; those left out are at
// their default.
func (tx *txn) projected(o operation, given ovsdb.Row) (string, error) {
	seen := make([]string, len(o.Columns))
	for i, column := range o.Columns {
		d, typ, err := row{}.read(o.Table, column, ovsdb.UUID{})
		if err != nil {
			return "", err
		}
		if v, ok := given[column]; ok {
			if d, err = typ.parse(v, tx.names, false); err != nil {
				return "", err
			}
		}
		seen[i] = d.text()
	}
	return strings.Join(seen, "\n"), nil
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
