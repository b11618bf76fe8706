namespace CN2.Api.Drivers;

/// <summary>Why an agent may not connect.</summary>
/// <param name="Message">A sentence for the server's log. It may name what others have.</param>
/// <param name="Answer">A sentence for the agent.</param>
public sealed record AdmissionRefusal(string Message, string Answer)
{
    /// <summary>Nothing is wrong with the agent: this replica cannot do for it what another of its servers may.</summary>
    public bool IsElsewhere { get; init; }
}
