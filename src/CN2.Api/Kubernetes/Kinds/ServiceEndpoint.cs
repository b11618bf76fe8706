namespace CN2.Api.Kubernetes.Kinds;

/// <summary>A VirtualMachineInterface that a Service selects.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Uid">Its unique identifier.</param>
/// <param name="IsPod">It is a Pod's.</param>
/// <param name="Node">Its VirtualRouter.</param>
/// <param name="Addresses">Its addresses, one of a family at most.</param>
/// <param name="IsReady">It takes new flows.</param>
internal sealed record ServiceEndpoint(string Namespace, string Name, Guid Uid, bool IsPod, string Node, IReadOnlyList<string> Addresses, bool IsReady);
