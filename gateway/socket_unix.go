//go:build !windows

package gateway

const renameSockets = true
