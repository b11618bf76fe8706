namespace CN2.Api.Data.Rows;

/// <summary>A number for each resource that is counted.</summary>
/// <param name="Services">Of every type, also those that are being deleted.</param>
/// <param name="FloatingIPs">With an address of an ExternalNetwork: reserved ones, and those of Services. A cluster IP counts with its Service.</param>
/// <param name="NodePorts">Of Services.</param>
/// <param name="VirtualMachineInterfaces">Also those of Pods.</param>
/// <param name="ExternalNetworks">In the namespace.</param>
public sealed record UseOf<T>(T Services, T FloatingIPs, T NodePorts, T VirtualMachineInterfaces, T ExternalNetworks);
