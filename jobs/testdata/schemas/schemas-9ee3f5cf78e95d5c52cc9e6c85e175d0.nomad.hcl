# Made by fngen. Change the code and push it: the next push writes this job anew.
job "schemas-9ee3f5cf78e95d5c52cc9e6c85e175d0" {
  namespace   = "hello"
  datacenters = ["*"]
  type        = "batch"

  ui {
    description = "Reads what the task workers of project **hello** take."
  }

  group "schemas" {
    count = 1

    constraint {
      attribute = "${node.class}"
      operator  = "="
      value     = "platform"
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

    task "schemas" {
      driver = "exec"
      user   = "nobody"

      config {
        command = "/../opt/fngen/bin/fngen-agent"
        args = [
          "collect",
          "--project=hello",
          "--function=send",
          "--power=task_worker",
          "--file=tasks.py",
          "--python=3.11",
          "--tree=sha256:0123",
          "--layer=abcdef0123456789",
          "--uid=700001",
          "--api=https://api.fngen.localhost",
          "--static=9ee3f5cf78e95d5c52cc9e6c85e175d0",
          "--worker=tasks.py:send",
          "--worker=tasks.py:pack",
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
        cpu        = 500
        memory     = 256
        memory_max = 1024
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
