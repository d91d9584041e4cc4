package treeroutes

import "time"

// WaitForPlace has uploads of routes that are made from now on wait so long for a place.
func WaitForPlace(d time.Duration) (back func()) {
	usual := uploadPlaces.Wait
	uploadPlaces.Wait = d
	return func() { uploadPlaces.Wait = usual }
}
