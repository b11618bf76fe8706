using CN2.Api.Data.Rows;
using CN2.Network.Addressing;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>One of the subnets of an ExternalNetwork, as the Subnet that it is.</summary>
/// <param name="Network">The network.</param>
/// <param name="Index">Which of its subnets it is.</param>
/// <param name="Family">Its family.</param>
/// <param name="Namespace">The namespace of the Subnet.</param>
/// <param name="Name">The name of the Subnet.</param>
internal sealed record NetworkUser(ExternalNetworkRow Network, int Index, IPFamily Family, string Namespace, string Name);
