// Left out, with the provider.

package ecs
