// Package dialect is what the databases of the store do not have in common. It knows none
// of them, so that a program links the drivers of those that it opens and no others.
package dialect

import "database/sql"

// Dialect is how a database is spoken to where it is not as the others.
type Dialect struct {
	// Migrations is the directory below migrations/.
	Migrations string
	// Lock is the statement by which a change waits for its turn; empty where a
	// transaction has it from its beginning.
	Lock string
	// Script are the arguments with which the driver takes several statements at once.
	Script []any
	// Duplicate reports whether an error is a row that is there already.
	Duplicate func(error) bool
	// Refused reports whether an error is of the values themselves.
	Refused func(error) bool
	// Busy reports whether an error passes when another process has opened the database.
	Busy func(error) bool
}

// Database is an open one.
type Database struct {
	Dialect
	// Write is for changes, Read for statements that only read.
	Write, Read *sql.DB
	// Place names it in errors, without a password; empty where the name says it.
	Place string
}

// Engine is a kind of database that is a server.
type Engine struct {
	// Name is what it is called.
	Name string
	// Owns reports whether the name of a database is one of its own.
	Owns func(database string) bool
	// Open opens one. Its errors show no password.
	Open func(database string) (Database, error)
}
