# Made by fngen. Change the code and push it: the next push writes this job anew.
job "release-live_app" {
  namespace   = "hello"
  datacenters = ["us-west"]
  type        = "batch"

  ui {
    description = "Runs the release command of `live_app` of project **hello** before release 3 is rolled out."
  }

  group "web" {
    count = 1

    constraint {
      attribute = "${node.class}"
      operator  = "="
      value     = "s"
    }

    constraint {
      attribute = "${node.datacenter}"
      operator  = "="
      value     = "us-west"
    }

    restart {
      attempts         = 0
      mode             = "fail"
      render_templates = false
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    disconnect {
      replace = false
    }

    network {
      mode = "cni/fngen"
    }

    volume "cache" {
      type   = "host"
      source = "fngen-cache"
    }

    volume "node" {
      type      = "host"
      source    = "fngen-node"
      read_only = true
    }

    volume "usr" {
      type      = "host"
      source    = "fngen-usr"
      read_only = true
    }

    task "command" {
      driver       = "exec"
      user         = "nobody"
      kill_timeout = "30s"

      config {
        command = "/../opt/fngen/bin/fngen-agent"
        args = [
          "run",
          "--project=hello",
          "--function=live_app",
          "--power=webapp",
          "--file=app.py",
          "--python=3.11",
          "--tree=sha256:0123",
          "--layer=abcdef0123456789",
          "--uid=700001",
          "--release=3",
          "--server=web",
          "--disk=25",
          "--api=https://api.fngen.localhost",
          "--command=python manage.py migrate && echo \"$FNGEN_RELEASE\"",
        ]
        cap_add  = ["chown", "dac_override", "dac_read_search", "fowner", "kill", "setgid", "setuid"]
        cap_drop = ["all"]
      }

      identity {
        name        = "fngen"
        aud         = ["fngen"]
        file        = true
        ttl         = "1h"
        change_mode = "noop"
      }

      resources {
        cpu        = 63
        memory     = 64
        memory_max = 960
      }

      volume_mount {
        volume      = "cache"
        destination = "/var/cache/fngen"
        read_only   = false
      }

      volume_mount {
        volume      = "node"
        destination = "/opt/fngen"
        read_only   = true
      }

      volume_mount {
        volume      = "usr"
        destination = "/usr"
        read_only   = true
      }

      logs {
        max_files     = 3
        max_file_size = 5
      }
    }
  }
}
