namespace CN2.Network.Addressing;

/// <summary>One fault: <paramref name="Member"/> is its place below the subnet (<c>ranges[0].to</c>), the message a sentence.</summary>
public sealed record SubnetFault(string Member, string Message);
