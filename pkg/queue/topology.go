package queue

import (
	"slices"
	"time"

	"fngen.dev/fngen/pkg/task"
)

const (
	// deliveryLimit only stops what nothing else stops: RabbitMQ counts every message
	// that a broken connection had fetched, begun or not.
	deliveryLimit = 20
	// maxMessages bounds the queue of one function: what is beyond is refused at the
	// sender.
	maxMessages = 5_000_000
	// consumerTimeout is how long a message may be unanswered. It is the node's too
	// (rabbitmq.conf); brokers before 3.12 know no other.
	consumerTimeout = 24 * time.Hour
)

// definitions is the form in which RabbitMQ takes a virtual host's all at once.
type definitions struct {
	Policies  []policy   `json:"policies"`
	Queues    []queue    `json:"queues"`
	Exchanges []exchange `json:"exchanges"`
	Bindings  []binding  `json:"bindings"`
}

type policy struct {
	Name       string         `json:"name"`
	Pattern    string         `json:"pattern"`
	ApplyTo    string         `json:"apply-to"`
	Priority   int            `json:"priority"`
	Definition map[string]any `json:"definition"`
}

type queue struct {
	Name       string         `json:"name"`
	Durable    bool           `json:"durable"`
	AutoDelete bool           `json:"auto_delete"`
	Arguments  map[string]any `json:"arguments"`
}

type exchange struct {
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Durable    bool           `json:"durable"`
	AutoDelete bool           `json:"auto_delete"`
	Internal   bool           `json:"internal"`
	Arguments  map[string]any `json:"arguments"`
}

type binding struct {
	Source          string         `json:"source"`
	Destination     string         `json:"destination"`
	DestinationType string         `json:"destination_type"`
	RoutingKey      string         `json:"routing_key"`
	Arguments       map[string]any `json:"arguments"`
}

// topology is what the virtual host of a project has, with a queue for each function.
// All that could ever be another is a policy: the arguments of a queue cannot be changed.
func topology(project string, functions []string, can abilities) definitions {
	d := definitions{
		Policies:  []policy{tasksPolicy(can), own(task.DeadQueue, can), own(task.EventQueue, can)},
		Queues:    []queue{quorum(task.DeadQueue), quorum(task.EventQueue)},
		Exchanges: []exchange{fanout(task.EventExchange), fanout(task.ControlExchange)},
		Bindings:  []binding{bound(task.EventExchange, task.EventQueue)},
	}
	for _, tier := range task.Tiers {
		name := task.DelayExchange(tier)
		d.Policies = append(d.Policies, delayPolicy(name, tier))
		d.Queues = append(d.Queues, quorum(name))
		d.Exchanges = append(d.Exchanges, fanout(name))
		d.Bindings = append(d.Bindings, bound(name, name))
	}
	for _, f := range slices.Sorted(slices.Values(functions)) {
		d.Queues = append(d.Queues, quorum(task.Queue(project, f)))
	}
	return d
}

func quorum(name string) queue {
	return queue{Name: name, Durable: true, Arguments: map[string]any{"x-queue-type": "quorum"}}
}

func fanout(name string) exchange {
	return exchange{Name: name, Type: "fanout", Durable: true, Arguments: map[string]any{}}
}

func bound(exchange, queue string) binding {
	return binding{Source: exchange, Destination: queue, DestinationType: "queue", Arguments: map[string]any{}}
}

// tasksPolicy has dead letters arrive at least once, which RabbitMQ does only where a
// full queue refuses.
func tasksPolicy(can abilities) policy {
	p := policy{Name: "tasks", Pattern: `^fn\.`, ApplyTo: "queues", Definition: map[string]any{
		"delivery-limit": deliveryLimit, "overflow": "reject-publish", "max-length": maxMessages,
		"dead-letter-exchange": "", "dead-letter-routing-key": task.DeadQueue, "dead-letter-strategy": "at-least-once",
	}}
	if can.consumerTimeout {
		p.Definition["consumer-timeout"] = consumerTimeout.Milliseconds()
	}
	return p
}

// delayPolicy sends a message on to the queue that its routing key names, when its
// time in the tier is over.
func delayPolicy(name string, tier time.Duration) policy {
	return policy{Name: name, Pattern: "^" + quote(name) + "$", ApplyTo: "queues", Definition: map[string]any{
		"message-ttl": tier.Milliseconds(), "overflow": "reject-publish", "max-length": maxMessages,
		"dead-letter-exchange": "", "dead-letter-strategy": "at-least-once",
	}}
}

// own has whoever fills a queue of the control plane's wait for it. Its messages have no
// limit of deliveries: there is nowhere else to go.
func own(name string, can abilities) policy {
	p := policy{Name: name, Pattern: "^" + name + "$", ApplyTo: "queues", Definition: map[string]any{
		"overflow": "reject-publish", "max-length": maxMessages,
	}}
	if can.limitless {
		p.Definition["delivery-limit"] = -1
	}
	return p
}

// quote escapes the one letter of our names that a pattern would read.
func quote(name string) string {
	var out []byte
	for i := range len(name) {
		if name[i] == '.' {
			out = append(out, '\\')
		}
		out = append(out, name[i])
	}
	return string(out)
}
