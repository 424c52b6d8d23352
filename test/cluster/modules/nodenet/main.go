// nodenet: the two small controllers that the test cluster needs and that kind's stock image brings as images of its own.
//
//	nodenet net      on every node: CNI configuration from the node's pod range, routes to the pod ranges of the others
//	nodenet storage  once: folders of a node as volumes, for claims of the class `standard`
//
// Both compare what is with what should be, once a second; what fails is tried again in the next second.
package main

import (
	"log"
	"os"
	"time"
)

const turn = time.Second

func main() {
	api := newClient()
	var step func() error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "net":
		step = func() error { return syncNetwork(api, os.Getenv("NODE_NAME")) }
	case len(os.Args) == 2 && os.Args[1] == "storage":
		step = func() error { return syncVolumes(api) }
	default:
		log.Fatal("usage: nodenet net|storage")
	}
	for ; ; time.Sleep(turn) {
		if err := step(); err != nil {
			log.Print(err)
		}
	}
}
