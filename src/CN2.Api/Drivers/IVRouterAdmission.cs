namespace CN2.Api.Drivers;

/// <summary>Decides whether an agent that says hello may connect.</summary>
public interface IVRouterAdmission
{
    /// <summary>
    /// Null: it may. It answers soon, also while the database is away: then every agent may connect, because
    /// agents are served without it; one that has other servers is to try these first.
    /// </summary>
    /// <param name="rival">Another agent with the same name that is connected to this replica and alive; null: there is none.</param>
    Task<AdmissionRefusal?> RefusalAsync(VRouterHello hello, VRouterHello? rival, CancellationToken cancellationToken);
}
