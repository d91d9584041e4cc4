// Package queue is RabbitMQ as the platform uses it: what is declared for a project,
// by the management API, and sending and receiving, by AMQP.
//
// It relies on no recovery of the client library. That reopens a channel under the
// same value, so that the acknowledgement of a message from before goes to another
// message after, which is lost. Here a connection that broke is thrown away with all
// that belonged to it.
package queue

import "errors"

// What can become of a message that was to be sent.
var (
	// ErrUnroutable is a message for a queue that does not exist. It was not sent.
	ErrUnroutable = errors.New("the queue does not exist")
	// ErrBlocked is a broker that takes nothing, since it lacks disk or memory.
	ErrBlocked = errors.New("the broker takes no messages at present")
	// ErrFull is a queue that has as many messages as it may. It was not sent.
	ErrFull = errors.New("the queue is full")
	// ErrUnreachable is a broker without a connection. Nothing was sent.
	ErrUnreachable = errors.New("the broker cannot be reached")
	// ErrUnknown is a message that was sent and not confirmed: it may arrive, or not.
	ErrUnknown = errors.New("the broker did not confirm the message: it may have arrived")
)
