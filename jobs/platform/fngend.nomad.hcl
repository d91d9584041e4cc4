# The control plane. It keeps its state in SQLite and a directory, so that there
# is one instance, and an update stops the old one before it starts the new one.

variable "datacenter" {
  type        = string
  description = "where the platform node is"
}

variable "domain" {
  type        = string
  description = "projects are <name>.<domain>, the API is api.<domain>"
}

variable "api_url" {
  type        = string
  description = "where people and agents reach the API"
}

variable "ingress" {
  type        = string
  description = "host:port of the router's TLS entry"
}

variable "trusted_proxies" {
  type        = string
  description = "addresses or networks of the routers in front, with commas"
}

variable "nomad_addr" {
  type = string
}

variable "consul_addr" {
  type = string
}

variable "loki_addr" {
  type        = string
  description = "where the logs of projects are kept"
}

variable "vault_addr" {
  type = string
}

variable "broker_url" {
  type        = string
  description = "amqp(s)://host:port of RabbitMQ as this job reaches it"
}

variable "broker_worker_url" {
  type        = string
  description = "the same as allocations reach it"
}

variable "broker_management_url" {
  type        = string
  description = "http(s)://host:port of RabbitMQ's management"
}

variable "default_region" {
  type        = string
  description = "the region of a project without fngen.yml"
}

variable "pythons" {
  type        = string
  description = "language versions that nodes have, with commas"
}

variable "uv_version" {
  type = string
}

variable "build_digest" {
  type        = string
  description = "digest of the settings for builds: part of a layer's key"
}

variable "binary_digest" {
  type        = string
  description = "digest of the binary: a new one is a new version of the job"
}

job "fngend" {
  namespace   = "platform"
  type        = "service"
  datacenters = [var.datacenter]

  ui {
    description = "The control plane of fngen: API, accounts, pushes, releases."
    link {
      label = "API"
      url   = var.api_url
    }
  }

  constraint {
    attribute = "${node.class}"
    value     = "platform"
  }

  update {
    canary            = 0
    max_parallel      = 1
    health_check      = "checks"
    min_healthy_time  = "1s"
    healthy_deadline  = "1m"
    progress_deadline = "2m"
  }

  group "fngend" {
    count = 1

    # It comes back for as long as it takes, at the only place where its data is.
    restart {
      attempts = 10
      interval = "1m"
      delay    = "2s"
      mode     = "delay"
    }

    network {
      port "http" {
        host_network = "srv"
      }
    }

    service {
      name     = "fngend"
      port     = "http"
      provider = "consul"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.fngend.rule=Host(`api.${var.domain}`)",
        "traefik.http.routers.fngend.entrypoints=websecure",
        "traefik.http.routers.fngend.tls=true",
        # Events of a push are seen as they happen.
        "traefik.http.services.fngend.loadbalancer.responseforwarding.flushinterval=10ms",
      ]

      check {
        type     = "http"
        path     = "/healthz"
        interval = "1s"
        timeout  = "2s"
      }
    }

    volume "usr" {
      type      = "host"
      source    = "fngen-usr"
      read_only = true
    }

    volume "kit" {
      type      = "host"
      source    = "fngen-node"
      read_only = true
    }

    volume "data" {
      type   = "host"
      source = "fngend-data"
    }

    task "fngend" {
      driver = "exec"
      user   = "nobody"

      # A push in flight gets the time to end.
      kill_timeout = "25s"

      config {
        command  = "/opt/fngen/bin/fngend"
        args     = ["serve"]
        cap_drop = ["all"]
        # The operator's `fngend account` writes to the same directory as root.
        cap_add = ["dac_override"]
      }

      volume_mount {
        volume      = "usr"
        destination = "/usr"
        read_only   = true
      }

      volume_mount {
        volume      = "kit"
        destination = "/opt/fngen"
        read_only   = true
      }

      volume_mount {
        volume      = "data"
        destination = "/data"
      }

      # It reads the token from secrets/vault_token whenever it writes variables of
      # projects: Nomad renews it, and replaces it when Vault was away for long.
      vault {
        role        = "fngend"
        env         = false
        change_mode = "noop"
      }

      # A Nomad management token of its own, since making namespaces needs
      # management, and a Consul token for the locks of projects.
      template {
        destination = "secrets/env"
        env         = true
        once        = true
        perms       = "0600"
        change_mode = "noop"
        data        = <<-EOT
          {{ with secret "platform/data/fngend" }}
          NOMAD_TOKEN={{ .Data.data.NOMAD_TOKEN | toJSON }}
          CONSUL_HTTP_TOKEN={{ .Data.data.CONSUL_HTTP_TOKEN | toJSON }}
          FNGEND_BROKER_PASSWORD={{ .Data.data.BROKER_PASSWORD | toJSON }}
          FNGEND_BROKER_KEY={{ .Data.data.BROKER_KEY | toJSON }}
          {{ end }}
        EOT
      }

      env {
        HOME                  = "/local"
        TMPDIR                = "/tmp"
        FNGEND_LISTEN         = "${NOMAD_ADDR_http}"
        FNGEND_DATA           = "/data"
        FNGEND_DOMAIN         = var.domain
        FNGEND_API_URL        = var.api_url
        FNGEND_INGRESS        = var.ingress
        FNGEND_CA_CERT        = "/opt/fngen/etc/ca.pem"
        FNGEND_DEFAULT_REGION = var.default_region
        # The routers reach it by these addresses: what they write into
        # X-Forwarded-For is believed, and nobody else's.
        FNGEND_TRUSTED_PROXIES = var.trusted_proxies
        FNGEND_PYTHONS         = var.pythons
        FNGEND_UV_VERSION      = var.uv_version
        FNGEND_BUILD_DIGEST    = var.build_digest
        FNGEND_BINARY          = var.binary_digest
        NOMAD_ADDR             = var.nomad_addr
        CONSUL_HTTP_ADDR       = var.consul_addr
        FNGEND_LOKI_ADDR       = var.loki_addr
        VAULT_ADDR             = var.vault_addr

        FNGEND_VAULT_TOKEN_FILE = "/secrets/vault_token"

        FNGEND_BROKER_URL            = var.broker_url
        FNGEND_BROKER_WORKER_URL     = var.broker_worker_url
        FNGEND_BROKER_MANAGEMENT_URL = var.broker_management_url
      }

      resources {
        cpu        = 500
        memory     = 128
        memory_max = 512
      }
    }
  }
}
