namespace CN2.Network.Addressing;

/// <summary>One fault of a subnet. <paramref name="Member"/> is its place in the subnet (<c>ranges[0].to</c>); the message is a sentence.</summary>
public sealed record SubnetFault(string Member, string Message);
