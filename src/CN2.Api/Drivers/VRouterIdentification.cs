namespace CN2.Api.Drivers;

/// <summary>What is known of who connects.</summary>
public abstract record VRouterIdentification
{
    private VRouterIdentification()
    {
    }

    /// <summary>Nobody is asked (<c>Agents__Mode=none</c>): whoever connects may be any node.</summary>
    public sealed record NotAsked : VRouterIdentification;

    /// <summary>This node and no other one.</summary>
    public sealed record Known(VRouterIdentity Identity) : VRouterIdentification;

    /// <summary>Nobody that may connect; a sentence for the operator of the agent.</summary>
    public sealed record Refused(string Reason) : VRouterIdentification;

    /// <summary>The address has failed too often, so it was not looked up; a sentence for the operator of the agent.</summary>
    public sealed record TooMany(string Reason) : VRouterIdentification;

    /// <summary>It cannot be told at this moment, because the database is away.</summary>
    public sealed record Unavailable(string Reason) : VRouterIdentification;
}
