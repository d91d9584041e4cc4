//go:build !linux

package main

import (
	"context"
	"errors"
)

func faultsUnderLoad(context.Context) ([]figure, error) {
	return nil, errors.New("the cluster runs on Linux only")
}

func tasksBesideRivals(context.Context) ([]figure, error) {
	return nil, errors.New("workers run on Linux only")
}
