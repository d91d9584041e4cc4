package task

import (
	"strconv"
	"strings"
	"time"
)

// What every project's virtual host has, beside a queue for each function.
const (
	// DeadQueue takes dead letters: what agents reject, and what the broker gives up.
	DeadQueue = "dead"
	// EventExchange leads to EventQueue, which the control plane reads.
	EventExchange = "events"
	EventQueue    = "events"
	// ControlExchange copies each message to the queue of every agent.
	ControlExchange = "control"
)

// Vhost is the virtual host of a project, and User the login of its agents.
func Vhost(project string) string { return "fngen." + project }

// User is the login of a project's agents.
func User(project string) string { return "fngen." + project }

// Queue is that of a function's tasks. It outlives the function's releases.
func Queue(project, function string) string { return QueuePrefix(project) + function }

// QueuePrefix begins the names of all queues of functions of a project.
func QueuePrefix(project string) string { return "fn." + project + "." }

// ControlQueue is the one that an agent declares for itself: exclusive, not durable,
// bound to ControlExchange.
func ControlQueue(allocation string) string { return "control." + allocation }

// Tiers are how long a task may be held back, one queue each: a queue with one
// waiting time for all cannot have a message wait behind one with a longer time.
var Tiers = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, time.Minute,
	5 * time.Minute, 15 * time.Minute, time.Hour,
}

// DelayExchange leads to the queue of a tier, of the same name. The routing key of a
// message is the queue to which it goes afterwards.
func DelayExchange(tier time.Duration) string {
	return "delay." + strconv.FormatInt(tier.Milliseconds(), 10)
}

// Broker is the file by which a worker's agent reaches RabbitMQ: JSON, written by Nomad
// from Vault at BrokerFile of the task's secrets, which the project's code cannot read.
type Broker struct {
	// URL is amqp://host:port or amqps://host:port, with the virtual host as its path
	// and no credentials in it.
	URL      string `json:"url"`
	Username string `json:"username"`
	Password string `json:"password"`
	// CA is the PEM of the certificate authority behind amqps, empty for the system's.
	CA string `json:"ca,omitempty"`
}

// BrokerFile is the name of that file in the secrets of a task.
const BrokerFile = "broker.json"

// FunctionOf is the function of a queue; false where the queue is not one of the
// project's functions.
func FunctionOf(project, queue string) (string, bool) {
	name, ok := strings.CutPrefix(queue, QueuePrefix(project))
	return name, ok && name != ""
}
