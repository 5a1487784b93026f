package gateway

const renameSockets = false
