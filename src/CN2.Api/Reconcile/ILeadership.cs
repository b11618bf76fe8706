namespace CN2.Api.Reconcile;

/// <summary>Whether this replica leads. May be read from any thread (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface ILeadership
{
    bool IsLeading { get; }
}
