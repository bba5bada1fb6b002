// Boots the behaviour of every page. Each module binds to data- attributes and works again after an htmx swap.
import { initTheme } from "./theme.js";
import { initSidebar } from "./sidebar.js";
import { initForms } from "./forms.js";
import { initPasswordRules } from "./password-rules.js";
import { initCodes } from "./codes.js";
import { initCombobox } from "./combobox.js";
import { initLive } from "./live.js";
import { initIdle } from "./idle.js";
import { initConfirm } from "./confirm.js";
import { initDialogs } from "./dialog.js";
import { initMoney } from "./money.js";
import { initMessages } from "./messages.js";
import { initDirty } from "./dirty.js";
import { initHtmxErrors } from "./htmx-errors.js";
import { initSearchBox } from "./search-box.js";
import { initShortcuts } from "./shortcuts.js";
import { initPasskeys } from "./passkeys.js";
import { initEmergency } from "./emergency.js";
import { initTabs } from "./tabs.js";

document.documentElement.classList.remove("no-script");

// Order matters for submit: confirm asks first, dirty and forms act only on what really goes out.
initMessages();
initTheme();
initSidebar();
initDialogs();
initConfirm();
initDirty();
initForms();
initPasswordRules();
initMoney();
initCodes();
initCombobox();
initLive();
initHtmxErrors();
initIdle();
initSearchBox();
initShortcuts();
initPasskeys();
initEmergency();
initTabs();
