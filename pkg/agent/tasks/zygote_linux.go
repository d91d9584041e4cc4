package tasks

import (
	"encoding/json"
	"os"
	"syscall"
)

type ready struct {
	Async bool
	Spawn string
}

type newWorker struct {
	pid   int
	files []*os.File
}

// listen hears what the zygote says.
func (c *Crew) listen() {
	defer c.leave()
	buf, oob := make([]byte, 4096), make([]byte, 256)
	for {
		n, oobn, _, _, err := c.control.ReadMsgUnix(buf, oob)
		files := receivedFiles(oob[:oobn])
		var said struct {
			Op     string `json:"op"`
			PID    int    `json:"pid"`
			Status int    `json:"status"`
			Async  bool   `json:"async"`
			Spawn  string `json:"spawn"`
		}
		if err != nil || n == 0 || json.Unmarshal(buf[:n], &said) != nil {
			closeAll(files)
			return
		}
		switch {
		case said.Op == "worker" && len(files) == 3:
			select {
			case c.launched <- newWorker{said.PID, files}:
				continue
			default: // nobody asked
			}
		case said.Op == "exit":
			c.exit(said.PID) <- syscall.WaitStatus(said.Status)
		case said.Op == "ready":
			select {
			case c.ready <- ready{said.Async, said.Spawn}:
			default: // said twice
			}
		}
		closeAll(files)
	}
}

// leave has all who wait for a process know that there will be none.
func (c *Crew) leave() {
	close(c.gone)
	c.control.Close()
	var n news
	c.mu.Lock()
	c.schedule(&n)
	c.mu.Unlock()
	n.tell()
}

// exit is where the end of a process is told, once.
func (c *Crew) exit(pid int) chan syscall.WaitStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exits[pid] == nil {
		c.exits[pid] = make(chan syscall.WaitStatus, 2)
	}
	return c.exits[pid]
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// tell sends an order to the zygote. Where that has ended there is nobody to be told.
func (c *Crew) tell(order map[string]any) error {
	data, err := json.Marshal(order)
	if err == nil {
		_, err = c.control.Write(data)
	}
	return err
}
