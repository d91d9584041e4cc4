# Made by fngen. Change the code and push it: the next push writes this job anew.
job "purge" {
  namespace   = "hello"
  datacenters = ["*"]
  type        = "sysbatch"

  ui {
    description = "Removes what the destroyed project **hello** has left on the nodes."
  }

  group "purge" {
    count = 1

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

    task "purge" {
      driver = "exec"
      user   = "nobody"

      config {
        command  = "/../opt/fngen/bin/fngen-agent"
        args     = ["purge", "--uid=700001"]
        cap_add  = ["chown", "dac_override", "dac_read_search", "fowner", "kill", "setgid", "setuid"]
        cap_drop = ["all"]
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
