# Made by fngen. Change the code and push it: the next push writes this job anew.
job "task-close_the_books" {
  namespace   = "tea-shop"
  datacenters = ["eu-central", "us-west"]
  type        = "service"

  ui {
    description = "`close_the_books` of project **tea-shop**: @task_worker in `tasks.py`, line 35, release 3. Each instance runs 1 task at a time, each for 2h at most, and a task that fails is tried again 1 time."
  }

  group "web" {
    count = 2

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

    spread {
      attribute = "${node.unique.id}"
      weight    = 100
    }

    update {
      max_parallel      = 2
      canary            = 2
      health_check      = "task_states"
      min_healthy_time  = "10s"
      healthy_deadline  = "2m"
      progress_deadline = "16m15s"
      auto_promote      = true
      auto_revert       = true
    }

    restart {
      attempts         = 3
      interval         = "5m"
      delay            = "500ms"
      mode             = "fail"
      render_templates = false
    }

    disconnect {
      lost_after = "1h"
      reconcile  = "keep_replacement"
      replace    = true
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

    task "worker" {
      driver       = "exec"
      user         = "nobody"
      kill_timeout = "15m15s"

      config {
        command = "/../opt/fngen/bin/fngen-agent"
        args = [
          "work",
          "--project=tea-shop",
          "--function=close_the_books",
          "--power=task_worker",
          "--file=tasks.py",
          "--python=3.11",
          "--tree=sha256:0123",
          "--layer=abcdef0123456789",
          "--uid=700001",
          "--release=3",
          "--server=web",
          "--disk=25",
          "--concurrency=1",
          "--timeout=2h",
          "--retries=1",
          "--drain=15m",
          "--queue=fn.tea-shop.close_the_books",
          "--api=https://api.fngen.localhost",
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
        cpu        = 135
        memory     = 137
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

      template {
        destination = "secrets/broker.json"
        change_mode = "noop"
        data        = "{{ with secret \"fngen/data/tea-shop/broker\" }}{{ .Data.data | toJSON }}{{ end }}"
        once        = true
        perms       = "0600"
      }

      vault {
        change_mode  = "noop"
        disable_file = true
        env          = false
        role         = "fngen-project"
      }
    }
  }

  group "big" {
    count = 1

    constraint {
      attribute = "${node.class}"
      operator  = "="
      value     = "xl"
    }

    constraint {
      attribute = "${node.datacenter}"
      operator  = "="
      value     = "us-west"
    }

    update {
      max_parallel      = 1
      canary            = 1
      health_check      = "task_states"
      min_healthy_time  = "10s"
      healthy_deadline  = "2m"
      progress_deadline = "16m15s"
      auto_promote      = true
      auto_revert       = true
    }

    restart {
      attempts         = 3
      interval         = "5m"
      delay            = "500ms"
      mode             = "fail"
      render_templates = false
    }

    disconnect {
      lost_after = "1h"
      reconcile  = "keep_replacement"
      replace    = true
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

    task "worker" {
      driver       = "exec"
      user         = "nobody"
      kill_timeout = "15m15s"

      config {
        command = "/../opt/fngen/bin/fngen-agent"
        args = [
          "work",
          "--project=tea-shop",
          "--function=close_the_books",
          "--power=task_worker",
          "--file=tasks.py",
          "--python=3.11",
          "--tree=sha256:0123",
          "--layer=abcdef0123456789",
          "--uid=700001",
          "--release=3",
          "--server=big",
          "--disk=80",
          "--concurrency=1",
          "--timeout=2h",
          "--retries=1",
          "--drain=15m",
          "--queue=fn.tea-shop.close_the_books",
          "--api=https://api.fngen.localhost",
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
        cpu        = 243
        memory     = 504
        memory_max = 4032
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

      template {
        destination = "secrets/broker.json"
        change_mode = "noop"
        data        = "{{ with secret \"fngen/data/tea-shop/broker\" }}{{ .Data.data | toJSON }}{{ end }}"
        once        = true
        perms       = "0600"
      }

      vault {
        change_mode  = "noop"
        disable_file = true
        env          = false
        role         = "fngen-project"
      }
    }
  }

  group "europe" {
    count = 1

    constraint {
      attribute = "${node.class}"
      operator  = "="
      value     = "m"
    }

    constraint {
      attribute = "${node.datacenter}"
      operator  = "="
      value     = "eu-central"
    }

    update {
      max_parallel      = 1
      canary            = 1
      health_check      = "task_states"
      min_healthy_time  = "10s"
      healthy_deadline  = "2m"
      progress_deadline = "16m15s"
      auto_promote      = true
      auto_revert       = true
    }

    restart {
      attempts         = 3
      interval         = "5m"
      delay            = "500ms"
      mode             = "fail"
      render_templates = false
    }

    disconnect {
      lost_after = "1h"
      reconcile  = "keep_replacement"
      replace    = true
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

    task "worker" {
      driver       = "exec"
      user         = "nobody"
      kill_timeout = "15m15s"

      config {
        command = "/../opt/fngen/bin/fngen-agent"
        args = [
          "work",
          "--project=tea-shop",
          "--function=close_the_books",
          "--power=task_worker",
          "--file=tasks.py",
          "--python=3.11",
          "--tree=sha256:0123",
          "--layer=abcdef0123456789",
          "--uid=700001",
          "--release=3",
          "--server=europe",
          "--disk=50",
          "--concurrency=1",
          "--timeout=2h",
          "--retries=1",
          "--drain=15m",
          "--queue=fn.tea-shop.close_the_books",
          "--api=https://api.fngen.localhost",
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
        cpu        = 118
        memory     = 248
        memory_max = 1984
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

      template {
        destination = "secrets/broker.json"
        change_mode = "noop"
        data        = "{{ with secret \"fngen/data/tea-shop/broker\" }}{{ .Data.data | toJSON }}{{ end }}"
        once        = true
        perms       = "0600"
      }

      vault {
        change_mode  = "noop"
        disable_file = true
        env          = false
        role         = "fngen-project"
      }
    }
  }
}
