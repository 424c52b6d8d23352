package main

import (
	"log"
	"os"
)

const (
	provisioner  = "millrace.test/folder"
	volumeFolder = "/var/millrace-volumes/"
	nodeNote     = "millrace.test/node"
)

type claimList struct {
	Items []claim `json:"items"`
}

type claim struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		AccessModes      []string `json:"accessModes"`
		StorageClassName string   `json:"storageClassName"`
		VolumeMode       string   `json:"volumeMode"`
		Resources        struct {
			Requests map[string]string `json:"requests"`
		} `json:"resources"`
	} `json:"spec"`
	Status struct{ Phase string } `json:"status"`
}

type volumeList struct {
	Items []struct {
		Metadata metadata               `json:"metadata"`
		Status   struct{ Phase string } `json:"status"`
	} `json:"items"`
}

func syncVolumes(api *client) error {
	var volumes volumeList
	if err := api.do("GET", "/api/v1/persistentvolumes", nil, &volumes); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, volume := range volumes.Items {
		known[volume.Metadata.Name] = true
		if volume.Metadata.Annotations["pv.kubernetes.io/provisioned-by"] != provisioner || volume.Status.Phase != "Released" {
			continue
		}
		log.Printf("volume %s was released; its object goes, its data stays until the cluster goes", volume.Metadata.Name)
		if err := api.do("DELETE", "/api/v1/persistentvolumes/"+volume.Metadata.Name, nil, nil); err != nil {
			return err
		}
	}
	var claims claimList
	if err := api.do("GET", "/api/v1/persistentvolumeclaims", nil, &claims); err != nil {
		return err
	}
	for _, each := range claims.Items {
		if isOurs(each) && !known["pvc-"+each.Metadata.UID] {
			if err := makeVolume(api, each); err != nil {
				return err
			}
		}
	}
	return nil
}

// The scheduler writes the node that it chose onto the claim: from then on the volume can be made.
func isOurs(each claim) bool {
	notes := each.Metadata.Annotations
	return notes["volume.kubernetes.io/storage-provisioner"] == provisioner && notes["volume.kubernetes.io/selected-node"] != "" &&
		each.Status.Phase == "Pending" && each.Spec.VolumeMode != "Block"
}

func makeVolume(api *client, of claim) error {
	name, node := "pvc-"+of.Metadata.UID, of.Metadata.Annotations["volume.kubernetes.io/selected-node"]
	log.Printf("volume %s on %s for %s/%s", name, node, of.Metadata.Namespace, of.Metadata.Name)
	return api.do("POST", "/api/v1/persistentvolumes", object{
		"apiVersion": "v1", "kind": "PersistentVolume",
		"metadata": object{"name": name, "annotations": object{"pv.kubernetes.io/provisioned-by": provisioner, nodeNote: node}},
		"spec": object{
			"capacity":                      object{"storage": of.Spec.Resources.Requests["storage"]},
			"accessModes":                   of.Spec.AccessModes,
			"storageClassName":              of.Spec.StorageClassName,
			"persistentVolumeReclaimPolicy": "Delete",
			// Of the kinds of folders on a node this is the one whose group the kubelet sets, for pods that are not root.
			"local": object{"path": volumeFolder + name},
			"claimRef": object{"apiVersion": "v1", "kind": "PersistentVolumeClaim",
				"namespace": of.Metadata.Namespace, "name": of.Metadata.Name, "uid": of.Metadata.UID},
			"nodeAffinity": object{"required": object{"nodeSelectorTerms": []object{{"matchExpressions": []object{
				{"key": "kubernetes.io/hostname", "operator": "In", "values": []string{node}}}}}}},
		}}, nil)
}

// makeFolders makes the folders of this node's volumes: the kubelet waits for them.
func makeFolders(api *client, node string) error {
	var volumes volumeList
	if err := api.do("GET", "/api/v1/persistentvolumes", nil, &volumes); err != nil {
		return err
	}
	for _, volume := range volumes.Items {
		if volume.Metadata.Annotations[nodeNote] == node {
			if err := os.MkdirAll(volumeFolder+volume.Metadata.Name, 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}
