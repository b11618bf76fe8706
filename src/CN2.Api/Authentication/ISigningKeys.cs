namespace CN2.Api.Authentication;

/// <summary>Where the keys of the identity provider come from: the provider itself, or a file.</summary>
internal interface ISigningKeys
{
    /// <summary>The keys of the moment.</summary>
    SigningKeys Current { get; }

    /// <summary>The keys after a new look at their source, which may have been less than some seconds ago: for a token whose key is not among the current ones.</summary>
    Task<SigningKeys> LookAgainAsync(CancellationToken cancellationToken);
}
