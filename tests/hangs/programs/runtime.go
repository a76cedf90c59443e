// Go programs of the corpus: runtime NAME [ARG...]
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

func stuck() {
	if err := os.WriteFile(os.Getenv("STUCK"), nil, 0o600); err != nil {
		panic(err)
	}
}

func tick() {
	for range time.Tick(100 * time.Millisecond) {
	}
}

// Every goroutine that matters is blocked; with a timer alive the runtime does not notice.
func blocked() {
	go tick()
	results := make(chan int)
	var workers sync.WaitGroup
	for i := 0; i < 4; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			results <- i
		}()
	}
	stuck()
	workers.Wait()
	close(results)
}

// A builder's daemon: alive, and waiting for the step that it has started.
func daemon(command []string) {
	listener, err := net.Listen("unix", "daemon.sock")
	if err != nil {
		panic(err)
	}
	go tick()
	go func() { _, _ = listener.Accept() }()
	step := exec.Command(command[0], command[1:]...)
	step.Stdout = os.Stdout
	output, err := step.StderrPipe()
	if err != nil {
		panic(err)
	}
	if err := step.Start(); err != nil {
		panic(err)
	}
	buffer := make([]byte, 4096)
	for {
		if _, err := output.Read(buffer); err != nil {
			break
		}
	}
	_ = step.Wait()
}

// Runs a step, no timers beside it.
func step(command []string) {
	step := exec.Command(command[0], command[1:]...)
	step.Stdout = os.Stdout
	_ = step.Run()
}

// Runs a step and ends it when its time is over: healthy.
func limited(command []string) {
	wait, err := strconv.ParseFloat(os.Getenv("WAIT"), 64)
	if err != nil {
		panic(err)
	}
	limit, end := context.WithTimeout(context.Background(), time.Duration(wait*float64(time.Second)))
	defer end()
	fmt.Println("ended:", exec.CommandContext(limit, command[0], command[1:]...).Run())
}

func spin() {
	ready := false
	stuck()
	for !ready {
	}
}

// Workers that hash and write: healthy.
func pool() {
	seconds, err := strconv.ParseFloat(os.Getenv("WORK"), 64)
	if err != nil {
		panic(err)
	}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	jobs := make(chan int)
	var workers sync.WaitGroup
	for i := 0; i < 4; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for job := range jobs {
				sum := sha256.Sum256(append(make([]byte, 1<<20), byte(job), byte(job>>8)))
				layer := bytes.Repeat(sum[:], 1000)
				if err := os.WriteFile(fmt.Sprintf("layer-%d", job%8), layer, 0o600); err != nil {
					panic(err)
				}
				if job%50 == 0 {
					fmt.Printf("layer %d: sha256:%x\n", job, sum)
				}
			}
		}()
	}
	for job := 0; time.Now().Before(end); job++ {
		jobs <- job
		time.Sleep(10 * time.Millisecond)
	}
	close(jobs)
	workers.Wait()
}

func main() {
	switch os.Args[1] {
	case "blocked":
		blocked()
	case "daemon":
		daemon(os.Args[2:])
	case "step":
		step(os.Args[2:])
	case "limited":
		limited(os.Args[2:])
	case "spin":
		spin()
	case "pool":
		pool()
	}
}
