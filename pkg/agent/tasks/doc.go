// Package tasks runs the tasks of one function: it takes messages from the function's
// queue, hands them to worker processes, and answers each message when the task's end is
// told.
//
//	Runner   one task from its message to its answer
//	  Crew     the worker processes, by way of the zygote that forks them
//	    worker   one process: its socket, and the page of memory in which it says what it is at
//	  teller   events to the control plane, as many in one message as came about
//
// What counts is written down before a message is answered, so that whatever dies in
// between has it come again. Only a task that was begun is charged with an attempt: the
// page says which one a dead process was at.
package tasks
