namespace CN2.Network.Resources;

/// <summary>HTTP status codes from <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
public readonly record struct HttpStatusRange(int First, int Last)
{
    public override string ToString() => First == Last ? $"{First}" : $"{First}-{Last}";
}
