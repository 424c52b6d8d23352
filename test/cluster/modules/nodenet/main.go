// nodenet: the two small controllers that the test cluster needs and that kind's stock image brings as images of its own.
//
//	nodenet net      on every node: CNI configuration from the node's pod range, routes to the pod ranges of the others, and the
//	                 folders of its volumes
//	nodenet storage  once: folders of a node as volumes, for claims of the class `standard`
//
// Both compare what is with what should be, once a second; what fails is tried again in the next second.
package main

import (
	"errors"
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
		node := os.Getenv("NODE_NAME")
		step = func() error { return errors.Join(syncNetwork(api, node), makeFolders(api, node)) }
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
