// Package flowstest puts the flows of a random world into a switch that one can look inside, and asks it what policy.Decide was asked.
package flowstest
