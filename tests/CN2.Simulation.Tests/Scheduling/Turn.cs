namespace CN2.Simulation.Tests.Scheduling;

/// <summary>A piece of work between two awaits.</summary>
internal readonly record struct Turn(Machine Machine, SendOrPostCallback Callback, object? State);
