package main

import (
	"bytes"
	"encoding/json"
	"log"
	"net"
	"os"

	"github.com/vishvananda/netlink"
)

const (
	cniFolder = "/etc/cni/net.d/"
	cniFile   = cniFolder + "10-nodenet.conflist"
	// Marks the routes of this program among all others of the node.
	routeProtocol = 77
)

type nodeList struct {
	Items []struct {
		Metadata metadata `json:"metadata"`
		Spec     struct {
			PodCIDR string `json:"podCIDR"`
		} `json:"spec"`
		Status struct {
			Addresses []struct{ Type, Address string } `json:"addresses"`
		} `json:"status"`
	} `json:"items"`
}

func syncNetwork(api *client, self string) error {
	var nodes nodeList
	if err := api.do("GET", "/api/v1/nodes", nil, &nodes); err != nil {
		return err
	}
	wanted := map[string]*netlink.Route{}
	for _, node := range nodes.Items {
		if node.Spec.PodCIDR == "" {
			continue
		}
		if node.Metadata.Name == self {
			if err := writeCniConfig(node.Spec.PodCIDR); err != nil {
				return err
			}
			continue
		}
		_, pods, err := net.ParseCIDR(node.Spec.PodCIDR)
		if err != nil {
			return err
		}
		for _, each := range node.Status.Addresses {
			if address := net.ParseIP(each.Address).To4(); each.Type == "InternalIP" && address != nil {
				wanted[pods.String()] = &netlink.Route{Dst: pods, Gw: address, Protocol: routeProtocol}
			}
		}
	}
	return setRoutes(wanted)
}

func setRoutes(wanted map[string]*netlink.Route) error {
	present, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: routeProtocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	for _, route := range present {
		if target := wanted[route.Dst.String()]; target != nil && target.Gw.Equal(route.Gw) {
			delete(wanted, route.Dst.String())
		} else if target == nil {
			log.Printf("route gone: %s", route.Dst)
			if err := netlink.RouteDel(&route); err != nil {
				return err
			}
		}
	}
	for _, route := range wanted {
		log.Printf("route: %s via %s", route.Dst, route.Gw)
		if err := netlink.RouteReplace(route); err != nil {
			return err
		}
	}
	return nil
}

// Pods get one end of a cable each (ptp): no bridge between them, all traffic is routed and seen by kube-proxy's rules.
func writeCniConfig(podRange string) error {
	config, err := json.MarshalIndent(object{
		"cniVersion": "1.0.0", "name": "nodenet",
		"plugins": []object{
			{"type": "ptp", "mtu": 1500, "ipMasq": false, "ipam": object{
				"type": "host-local", "dataDir": "/run/cni-ipam-state",
				"ranges": [][]object{{{"subnet": podRange}}},
				"routes": []object{{"dst": "0.0.0.0/0"}}}},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		}}, "", " ")
	if err != nil {
		return err
	}
	if present, err := os.ReadFile(cniFile); err == nil && bytes.Equal(present, config) {
		return nil
	}
	// The runtime reads the folder at any moment: the file appears whole.
	if err := os.WriteFile(cniFolder+".draft", config, 0o644); err != nil {
		return err
	}
	log.Printf("pod range of this node: %s", podRange)
	return os.Rename(cniFolder+".draft", cniFile)
}
