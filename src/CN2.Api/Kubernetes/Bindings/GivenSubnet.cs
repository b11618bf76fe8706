using System.Text.Json.Nodes;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>A Subnet that is being written.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Request">As one of <c>subnets</c> of the request of an ExternalNetwork.</param>
internal sealed record GivenSubnet(string Namespace, string Name, JsonObject Request);
