package control

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"fngen.dev/fngen/pkg/queue"
)

const (
	databaseFile = "fngend.db"
	blobsDir     = "blobs"
	payloadsDir  = "payloads"
)

// Config is the environment of `fngend serve`, read once.
type Config struct {
	// Data is the directory of the database and the blobs.
	Data   string
	Listen string
	// Domain is the suffix of every project's host; APIURL is where agents
	// reach this server.
	Domain, APIURL string
	// Ingress is host:port of the router's TLS entry; CACert the file of the CA
	// that signed its certificate, empty for the system's.
	Ingress, CACert string
	DefaultRegion   string
	Pythons         []string
	// UVVersion and BuildDigest are part of a layer's identity.
	UVVersion, BuildDigest string
	NomadAddr, NomadToken  string
	// ConsulToken may write below fngen/locks/, make sessions, and read nodes and services.
	ConsulAddr, ConsulToken string
	// LokiAddr is where logs are kept; empty on a platform without logs. DailyLog is what
	// one project may write there within a day, in bytes, 0 for no bound.
	LokiAddr string
	DailyLog int64
	// VaultTokenFile holds a token that may write the variables of projects; Nomad
	// renews and replaces it.
	VaultAddr, VaultTokenFile string
	// Broker is RabbitMQ; without a URL the platform runs no tasks.
	Broker queue.Config
	// Quota is what the contents of one project may take on the disk of Data, 0 for
	// whatever fits; Reserve is what uploads leave free of it. Both in bytes.
	Quota, Reserve int64
	// Daily is what one account may send within a day, in bytes, and Projects how many
	// projects it may have; 0 for no bound.
	Daily    int64
	Projects int
	// Proxies are the routers in front, whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
}

// What one project may take, and what stays free, when nothing else is said.
const (
	defaultQuota   = "20GiB"
	defaultReserve = "1GiB"
	// What one account may send within a day, and how many projects it may have.
	defaultDaily    = "100GiB"
	defaultProjects = "100"
	// What one project may write to its log within a day.
	defaultDailyLog = "2GiB"
)

func readConfig(getenv func(string) string) (Config, error) {
	data, err := dataDir(getenv)
	if err != nil {
		return Config{}, err
	}
	or := func(name, fallback string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return fallback
	}
	c := Config{
		Data: data, Listen: or("FNGEND_LISTEN", "127.0.0.1:8880"),
		Domain: getenv("FNGEND_DOMAIN"), APIURL: getenv("FNGEND_API_URL"),
		Ingress: getenv("FNGEND_INGRESS"), CACert: getenv("FNGEND_CA_CERT"),
		DefaultRegion: getenv("FNGEND_DEFAULT_REGION"), Pythons: list(getenv("FNGEND_PYTHONS")),
		UVVersion: getenv("FNGEND_UV_VERSION"), BuildDigest: getenv("FNGEND_BUILD_DIGEST"),
		NomadAddr: or("NOMAD_ADDR", "http://127.0.0.1:4646"), NomadToken: getenv("NOMAD_TOKEN"),
		ConsulAddr: or("CONSUL_HTTP_ADDR", "http://127.0.0.1:8500"), ConsulToken: getenv("CONSUL_HTTP_TOKEN"),
		LokiAddr:  getenv("FNGEND_LOKI_ADDR"),
		VaultAddr: or("VAULT_ADDR", "http://127.0.0.1:8200"), VaultTokenFile: or("FNGEND_VAULT_TOKEN_FILE", "/secrets/vault_token"),
	}
	if c.Broker, err = brokerConfig(getenv); err != nil {
		return Config{}, err
	}
	if c.Quota, err = bytesOf(or("FNGEND_PROJECT_QUOTA", defaultQuota)); err != nil {
		return Config{}, fmt.Errorf("read FNGEND_PROJECT_QUOTA: %w", err)
	}
	if c.Reserve, err = bytesOf(or("FNGEND_DISK_RESERVE", defaultReserve)); err != nil {
		return Config{}, fmt.Errorf("read FNGEND_DISK_RESERVE: %w", err)
	}
	if c.Daily, err = bytesOf(or("FNGEND_DAILY_UPLOADS", defaultDaily)); err != nil {
		return Config{}, fmt.Errorf("read FNGEND_DAILY_UPLOADS: %w", err)
	}
	if c.DailyLog, err = bytesOf(or("FNGEND_DAILY_LOG", defaultDailyLog)); err != nil {
		return Config{}, fmt.Errorf("read FNGEND_DAILY_LOG: %w", err)
	}
	if c.Projects, err = strconv.Atoi(or("FNGEND_ACCOUNT_PROJECTS", defaultProjects)); err != nil || c.Projects < 0 {
		return Config{}, fmt.Errorf("read FNGEND_ACCOUNT_PROJECTS: %q is not a number of projects", getenv("FNGEND_ACCOUNT_PROJECTS"))
	}
	if c.Proxies, err = prefixes(getenv("FNGEND_TRUSTED_PROXIES")); err != nil {
		return Config{}, fmt.Errorf("read FNGEND_TRUSTED_PROXIES: %w", err)
	}
	var unset []string
	for _, need := range []struct{ name, value string }{
		{"FNGEND_DOMAIN", c.Domain}, {"FNGEND_API_URL", c.APIURL}, {"FNGEND_INGRESS", c.Ingress},
		{"FNGEND_PYTHONS", strings.Join(c.Pythons, ",")},
	} {
		if need.value == "" {
			unset = append(unset, need.name)
		}
	}
	if len(unset) > 0 {
		return Config{}, fmt.Errorf("the environment lacks %s", strings.Join(unset, ", "))
	}
	return c, nil
}

// dataDir is the directory of FNGEND_DATA, made when it is not there.
func dataDir(getenv func(string) string) (string, error) {
	dir := getenv("FNGEND_DATA")
	if dir == "" {
		return "", fmt.Errorf("the environment lacks FNGEND_DATA, the directory of the database and the blobs")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make data directory: %w", err)
	}
	return dir, nil
}

// list splits at commas; empty parts are left out.
func list(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// prefixes reads networks such as 10.1.0.0/16, and single addresses, with commas.
func prefixes(s string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, part := range list(s) {
		p, err := netip.ParsePrefix(part)
		if a, single := netip.ParseAddr(part); single == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is not a network such as 10.1.0.0/16", part)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
