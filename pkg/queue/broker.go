package queue

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"fngen.dev/fngen/pkg/task"
)

// Config is how the control plane reaches RabbitMQ.
type Config struct {
	// ManagementURL is http(s)://host:port of the management plugin.
	ManagementURL string
	// URL is amqp(s)://host:port as the control plane reaches it, WorkerURL as
	// allocations do. Neither has a path or credentials.
	URL, WorkerURL string
	// User may administer the broker.
	User, Password string
	// Key is a secret from which the passwords of projects follow.
	Key string
	// CA is the PEM of the authority behind amqps, empty for the system's.
	CA string
}

// Broker declares what projects have at RabbitMQ, and knows how to reach it. It is safe
// for concurrent use.
type Broker struct {
	config     Config
	management *management
}

// New makes a Broker; nothing is asked yet.
func New(c Config) *Broker {
	return &Broker{c, newManagement(c.ManagementURL, c.User, c.Password)}
}

// ControlPlane is how the control plane reaches a project's virtual host.
func (b *Broker) ControlPlane(project string) task.Broker {
	return task.Broker{URL: b.config.URL + "/" + task.Vhost(project), Username: b.config.User, Password: b.config.Password, CA: b.config.CA}
}

// Worker is how the agents of a project reach it. id tells two projects apart that had
// the same name one after the other.
func (b *Broker) Worker(project string, id int64) task.Broker {
	return task.Broker{
		URL: b.config.WorkerURL + "/" + task.Vhost(project), Username: task.User(project),
		Password: b.password(project, id), CA: b.config.CA,
	}
}

// password follows from the key and the project, so that it need not be kept.
func (b *Broker) password(project string, id int64) string {
	mac := hmac.New(sha256.New, []byte(b.config.Key))
	fmt.Fprintf(mac, "fngen worker %s %d", project, id)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Declare brings a project's virtual host to what it is to be, with a queue for each
// function and the login of its agents. What is there stays, with its messages.
func (b *Broker) Declare(ctx context.Context, project string, id int64, functions []string) error {
	can, err := b.abilities(ctx)
	if err != nil {
		return err
	}
	vhost := task.Vhost(project)
	for _, step := range []struct {
		what, method, path string
		body               any
	}{
		{"virtual host", http.MethodPut, path("vhosts", vhost), map[string]any{"description": "tasks of project " + project}},
		{"login", http.MethodPut, path("users", task.User(project)), map[string]any{"password": b.password(project, id), "tags": ""}},
		{"its rights", http.MethodPut, path("permissions", vhost, task.User(project)), workerRights()},
		{"our rights", http.MethodPut, path("permissions", vhost, b.config.User), ownRights()},
		{"queues", http.MethodPost, path("definitions", vhost), topology(project, functions, can)},
	} {
		if err := b.management.do(ctx, step.method, step.path, step.body, nil); err != nil {
			return fmt.Errorf("declare %s of project %s: %w", step.what, project, err)
		}
	}
	return nil
}

type rights struct {
	Configure string `json:"configure"`
	Write     string `json:"write"`
	Read      string `json:"read"`
}

// workerRights let an agent read tasks, send one to a tier, and tell what became of
// it. It cannot send a task to a queue, nor read what others tell.
func workerRights() rights {
	return rights{Configure: `^control\..+$`, Write: `^(events|delay\.[0-9]+|control\..+)$`, Read: `^(fn\..+|control|control\..+)$`}
}

// ownRights are those of the control plane: to send and read, and to drop the queue of
// a function, for which its management asks as anybody would.
func ownRights() rights {
	return rights{Configure: `^fn\..+$`, Write: `^(amq\.default|control)$`, Read: `^(events|dead)$`}
}

var version = regexp.MustCompile(`^([0-9]+)\.([0-9]+)`)

// abilities are what a broker's policies may say, which others refuse.
type abilities struct {
	// consumerTimeout came with 3.12.
	consumerTimeout bool
	// limitless came with 4.0, where a queue that does not say -1 gives a message up
	// after 20 deliveries. Before that none is given up unless a policy says so.
	limitless bool
}

func (b *Broker) abilities(ctx context.Context) (abilities, error) {
	var overview struct {
		Version string `json:"rabbitmq_version"`
	}
	if err := b.management.do(ctx, http.MethodGet, path("overview"), nil, &overview); err != nil {
		return abilities{}, fmt.Errorf("read the broker's version: %w", err)
	}
	return abilitiesOf(overview.Version)
}

func abilitiesOf(text string) (abilities, error) {
	parts := version.FindStringSubmatch(text)
	if parts == nil {
		return abilities{}, fmt.Errorf("read the broker's version: %q is none", text)
	}
	major, _ := strconv.Atoi(parts[1])
	minor, _ := strconv.Atoi(parts[2])
	return abilities{consumerTimeout: major > 3 || major == 3 && minor >= 12, limitless: major >= 4}, nil
}

// Depth is what lies in the queue of one function.
type Depth struct {
	Function string
	// Ready wait, Taken are with an agent.
	Ready, Taken int
	// Rate is how many were done with in a second of late.
	Rate float64
	// Workers are the agents that read it.
	Workers int
}

// Depths lists the queues of a project's functions, by name; none where the project
// never had any.
func (b *Broker) Depths(ctx context.Context, project string) ([]Depth, error) {
	var queues []struct {
		Name      string `json:"name"`
		Ready     int    `json:"messages_ready"`
		Taken     int    `json:"messages_unacknowledged"`
		Consumers int    `json:"consumers"`
		Stats     stats  `json:"message_stats"`
	}
	const columns = "?sort=name&columns=name,messages_ready,messages_unacknowledged,consumers,message_stats.ack_details.rate"
	err := b.management.do(ctx, http.MethodGet, path("queues", task.Vhost(project))+columns, nil, &queues)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read queues of project %s: %w", project, err)
	}
	var out []Depth
	for _, q := range queues {
		if f, ok := task.FunctionOf(project, q.Name); ok {
			out = append(out, Depth{Function: f, Ready: q.Ready, Taken: q.Taken, Rate: q.Stats.Ack.Rate, Workers: q.Consumers})
		}
	}
	return out, nil
}

// stats are an object, or an array of nothing where there are none yet.
type stats struct {
	Ack struct {
		Rate float64 `json:"rate"`
	} `json:"ack_details"`
}

// UnmarshalJSON reads either.
func (s *stats) UnmarshalJSON(data []byte) error {
	type object stats
	if bytes.HasPrefix(data, []byte("[")) {
		return nil
	}
	return json.Unmarshal(data, (*object)(s))
}

// DropQueue removes the queue of a function. Whoever asks must know that nothing is
// in it: RabbitMQ cannot be asked to look for a quorum queue.
func (b *Broker) DropQueue(ctx context.Context, project, function string) error {
	err := b.management.do(ctx, http.MethodDelete, path("queues", task.Vhost(project), task.Queue(project, function)), nil, nil)
	if err != nil && !isMissing(err) {
		return fmt.Errorf("remove queue of function %s: %w", function, err)
	}
	return nil
}

// Destroy removes all that a project has at the broker.
func (b *Broker) Destroy(ctx context.Context, project string) error {
	for _, p := range []string{path("vhosts", task.Vhost(project)), path("users", task.User(project))} {
		if err := b.management.do(ctx, http.MethodDelete, p, nil, nil); err != nil && !isMissing(err) {
			return fmt.Errorf("remove project %s from the broker: %w", project, err)
		}
	}
	return nil
}
