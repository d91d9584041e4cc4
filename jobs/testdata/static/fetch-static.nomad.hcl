# Made by fngen. Change the code and push it: the next push writes this job anew.
job "fetch-static" {
  namespace   = "hello"
  datacenters = ["*"]
  type        = "sysbatch"

  ui {
    description = "Brings the next static files of project **hello** to the nodes that serve it."
  }

  group "fetch" {
    count = 1

    constraint {
      attribute = "${node.unique.id}"
      operator  = "set_contains_any"
      value     = "node-1,node-2"
    }

    restart {
      attempts         = 1
      mode             = "fail"
      render_templates = false
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

    task "fetch" {
      driver = "exec"
      user   = "nobody"

      config {
        command = "/../opt/fngen/bin/fngen-agent"
        args = [
          "fetch",
          "--project=hello",
          "--python=3.11",
          "--tree=sha256:0123",
          "--uid=700001",
          "--api=https://api.fngen.localhost",
          "--static=713c9b4983bcb406cf178578d42c61d2",
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
        cpu        = 25
        memory     = 32
        memory_max = 128
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
